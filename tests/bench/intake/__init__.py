"""Intake over HTTP: signed orders to durable acknowledgements, beside a plain service."""
