"""What pictures share. No stage that trains depends on it."""
