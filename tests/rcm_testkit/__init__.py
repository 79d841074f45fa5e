"""Builders, engines and checks that several tests use."""
