"""The whole pipeline against the truth beside simulated captures."""
