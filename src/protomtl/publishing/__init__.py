"""Result tables of README and site, made of the kept runs. No stage depends on it."""
