"""One database per service with three roles: owner (makes tables), app (reads and writes), ro (reads).

`python -m rcm_deploy.engines.databases` prints the same for psql: deploy/postgres/init.sql is its output.
"""

from collections.abc import Callable, Sequence

SERVICES = ("intake", "coding", "query", "billing", "audit")
ROLES = ("owner", "app", "ro")


def database(service: str) -> str:
    """Return the name of a service's database."""
    return f"rcm_{service}"


def role(service: str, kind: str) -> str:
    """Return the name of a role of a service; `kind` is one of ROLES."""
    return f"{service}_{kind}"


def grants(service: str) -> list[str]:
    """Return the statements to run inside the service's own database; running them again changes nothing."""
    owner, app, reader = (role(service, kind) for kind in ROLES)
    defaults = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner}"
    return [
        f"REVOKE ALL ON DATABASE {database(service)} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {database(service)} TO {app}, {reader}",
        f"ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {app}, {reader}",
        f"{defaults} GRANT USAGE ON SCHEMAS TO {app}, {reader}",
        f"{defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
        f"{defaults} GRANT USAGE, SELECT ON SEQUENCES TO {app}",
        f"{defaults} GRANT SELECT ON TABLES TO {reader}",
        f"ALTER ROLE {app} SET statement_timeout = '60s'",
        f"ALTER ROLE {app} SET idle_in_transaction_session_timeout = '60s'",
        f"ALTER ROLE {reader} SET default_transaction_read_only = on",
    ]


async def create_databases(dsn: Callable[[str], str], services: Sequence[str] = SERVICES) -> None:
    """Create what is missing. `dsn` gives the superuser's address of a database by name."""
    import asyncpg

    server = await asyncpg.connect(dsn("postgres"))
    try:
        roles = {row["rolname"] for row in await server.fetch("SELECT rolname FROM pg_roles")}
        databases = {row["datname"] for row in await server.fetch("SELECT datname FROM pg_database")}
        for service in services:
            for kind in ROLES:
                if role(service, kind) not in roles:
                    await server.execute(f"CREATE ROLE {role(service, kind)} LOGIN")
            if database(service) not in databases:
                await server.execute(f"CREATE DATABASE {database(service)} OWNER {role(service, 'owner')}")
    finally:
        await server.close()
    for service in services:
        connection = await asyncpg.connect(dsn(database(service)))
        try:
            await connection.execute(";\n".join(grants(service)))
        finally:
            await connection.close()


def init_sql() -> str:
    """Return the script for a container's or a managed server's psql; passwords come from its environment."""
    lines = [
        "-- One database and the roles owner, app and ro per service; no service reaches another's tables.",
        "-- Output of `python -m rcm_deploy.engines.databases`, for psql as superuser; safe to run again.",
        "-- Passwords: RCM_<SERVICE>_<OWNER|APP|RO>_PASSWORD in psql's environment.",
        "\\set ON_ERROR_STOP on",
    ]
    for service in SERVICES:
        lines.append("")
        for kind in ROLES:
            name = role(service, kind)
            lines += [
                "\\unset password",
                f"\\getenv password RCM_{service.upper()}_{kind.upper()}_PASSWORD",
                f"SELECT 'CREATE ROLE {name} LOGIN' WHERE NOT EXISTS "
                f"(SELECT FROM pg_roles WHERE rolname = '{name}') \\gexec",
                f"ALTER ROLE {name} PASSWORD :'password';",
            ]
        lines += [
            f"SELECT 'CREATE DATABASE {database(service)} OWNER {role(service, 'owner')}' WHERE NOT EXISTS "
            f"(SELECT FROM pg_database WHERE datname = '{database(service)}') \\gexec",
            f"\\connect {database(service)}",
            *(f"{statement};" for statement in grants(service)),
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(init_sql(), end="")
