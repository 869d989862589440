"""The report of a study: one page that has everything, answers first."""
