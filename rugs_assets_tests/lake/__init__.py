"""Tests of the lake: tables, versions, faults."""
