"""Step `report`: the pages of the report."""
