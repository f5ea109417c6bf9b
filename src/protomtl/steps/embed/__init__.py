"""Step `embed`: Figure 1, and measures of the space that it shows."""
