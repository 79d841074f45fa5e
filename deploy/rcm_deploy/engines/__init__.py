"""The real engines on this machine: PostgreSQL, Apache Kafka, and the services as supervised processes."""
