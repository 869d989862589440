"""Imaging measures and their predictive models, beside the causal ones. Arrays and tables in, tables out."""
