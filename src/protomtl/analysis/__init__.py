"""What figures of runs allow to say: intervals, comparisons, verdicts. No stage that trains depends on it."""
