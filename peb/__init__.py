"""The group level of effconn: parametric empirical Bayes over first-level posteriors. Arrays in, arrays out."""
