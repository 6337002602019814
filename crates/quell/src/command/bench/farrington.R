# Judges the last hours of each column of a table of hourly counts and prints the seconds it took.
suppressPackageStartupMessages(library(surveillance))

arguments <- commandArgs(trailingOnly = TRUE)
counts <- as.matrix(read.csv(arguments[1], header = FALSE))
judged <- min(as.integer(arguments[2]), nrow(counts))
# A week takes the place of the year: the same hours of the eight weeks before are the reference.
control <- list(
  range = (nrow(counts) - judged + 1):nrow(counts), b = 8, w = 2, noPeriods = 1,
  pastWeeksNotIncluded = 24, trend = FALSE, weightsThreshold = 2.58,
  thresholdMethod = "nbPlugin", alpha = 0.001
)
begun <- proc.time()[["elapsed"]]
for (at in seq_len(ncol(counts))) {
  series <- sts(observed = counts[, at], frequency = 168)
  invisible(farringtonFlexible(series, control = control))
}
cat(proc.time()[["elapsed"]] - begun, "\n")
