"""PostgreSQL: pools, migrations, which errors are worth a retry."""
