-- One database and the roles owner, app and ro per service; no service reaches another's tables.
-- Output of `python -m rcm_deploy.engines.databases`, for psql as superuser; safe to run again.
-- Passwords: RCM_<SERVICE>_<OWNER|APP|RO>_PASSWORD in psql's environment.
\set ON_ERROR_STOP on

\unset password
\getenv password RCM_INTAKE_OWNER_PASSWORD
SELECT 'CREATE ROLE intake_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'intake_owner') \gexec
ALTER ROLE intake_owner PASSWORD :'password';
\unset password
\getenv password RCM_INTAKE_APP_PASSWORD
SELECT 'CREATE ROLE intake_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'intake_app') \gexec
ALTER ROLE intake_app PASSWORD :'password';
\unset password
\getenv password RCM_INTAKE_RO_PASSWORD
SELECT 'CREATE ROLE intake_ro LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'intake_ro') \gexec
ALTER ROLE intake_ro PASSWORD :'password';
SELECT 'CREATE DATABASE rcm_intake OWNER intake_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'rcm_intake') \gexec
\connect rcm_intake
REVOKE ALL ON DATABASE rcm_intake FROM PUBLIC;
GRANT CONNECT ON DATABASE rcm_intake TO intake_app, intake_ro;
ALTER SCHEMA public OWNER TO intake_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO intake_app, intake_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE intake_owner GRANT USAGE ON SCHEMAS TO intake_app, intake_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE intake_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO intake_app;
ALTER DEFAULT PRIVILEGES FOR ROLE intake_owner GRANT USAGE, SELECT ON SEQUENCES TO intake_app;
ALTER DEFAULT PRIVILEGES FOR ROLE intake_owner GRANT SELECT ON TABLES TO intake_ro;
ALTER ROLE intake_app SET statement_timeout = '60s';
ALTER ROLE intake_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE intake_ro SET default_transaction_read_only = on;

\unset password
\getenv password RCM_CODING_OWNER_PASSWORD
SELECT 'CREATE ROLE coding_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'coding_owner') \gexec
ALTER ROLE coding_owner PASSWORD :'password';
\unset password
\getenv password RCM_CODING_APP_PASSWORD
SELECT 'CREATE ROLE coding_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'coding_app') \gexec
ALTER ROLE coding_app PASSWORD :'password';
\unset password
\getenv password RCM_CODING_RO_PASSWORD
SELECT 'CREATE ROLE coding_ro LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'coding_ro') \gexec
ALTER ROLE coding_ro PASSWORD :'password';
SELECT 'CREATE DATABASE rcm_coding OWNER coding_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'rcm_coding') \gexec
\connect rcm_coding
REVOKE ALL ON DATABASE rcm_coding FROM PUBLIC;
GRANT CONNECT ON DATABASE rcm_coding TO coding_app, coding_ro;
ALTER SCHEMA public OWNER TO coding_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO coding_app, coding_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE coding_owner GRANT USAGE ON SCHEMAS TO coding_app, coding_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE coding_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO coding_app;
ALTER DEFAULT PRIVILEGES FOR ROLE coding_owner GRANT USAGE, SELECT ON SEQUENCES TO coding_app;
ALTER DEFAULT PRIVILEGES FOR ROLE coding_owner GRANT SELECT ON TABLES TO coding_ro;
ALTER ROLE coding_app SET statement_timeout = '60s';
ALTER ROLE coding_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE coding_ro SET default_transaction_read_only = on;

\unset password
\getenv password RCM_QUERY_OWNER_PASSWORD
SELECT 'CREATE ROLE query_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'query_owner') \gexec
ALTER ROLE query_owner PASSWORD :'password';
\unset password
\getenv password RCM_QUERY_APP_PASSWORD
SELECT 'CREATE ROLE query_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'query_app') \gexec
ALTER ROLE query_app PASSWORD :'password';
\unset password
\getenv password RCM_QUERY_RO_PASSWORD
SELECT 'CREATE ROLE query_ro LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'query_ro') \gexec
ALTER ROLE query_ro PASSWORD :'password';
SELECT 'CREATE DATABASE rcm_query OWNER query_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'rcm_query') \gexec
\connect rcm_query
REVOKE ALL ON DATABASE rcm_query FROM PUBLIC;
GRANT CONNECT ON DATABASE rcm_query TO query_app, query_ro;
ALTER SCHEMA public OWNER TO query_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO query_app, query_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE query_owner GRANT USAGE ON SCHEMAS TO query_app, query_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE query_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO query_app;
ALTER DEFAULT PRIVILEGES FOR ROLE query_owner GRANT USAGE, SELECT ON SEQUENCES TO query_app;
ALTER DEFAULT PRIVILEGES FOR ROLE query_owner GRANT SELECT ON TABLES TO query_ro;
ALTER ROLE query_app SET statement_timeout = '60s';
ALTER ROLE query_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE query_ro SET default_transaction_read_only = on;

\unset password
\getenv password RCM_BILLING_OWNER_PASSWORD
SELECT 'CREATE ROLE billing_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'billing_owner') \gexec
ALTER ROLE billing_owner PASSWORD :'password';
\unset password
\getenv password RCM_BILLING_APP_PASSWORD
SELECT 'CREATE ROLE billing_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'billing_app') \gexec
ALTER ROLE billing_app PASSWORD :'password';
\unset password
\getenv password RCM_BILLING_RO_PASSWORD
SELECT 'CREATE ROLE billing_ro LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'billing_ro') \gexec
ALTER ROLE billing_ro PASSWORD :'password';
SELECT 'CREATE DATABASE rcm_billing OWNER billing_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'rcm_billing') \gexec
\connect rcm_billing
REVOKE ALL ON DATABASE rcm_billing FROM PUBLIC;
GRANT CONNECT ON DATABASE rcm_billing TO billing_app, billing_ro;
ALTER SCHEMA public OWNER TO billing_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO billing_app, billing_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE billing_owner GRANT USAGE ON SCHEMAS TO billing_app, billing_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE billing_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO billing_app;
ALTER DEFAULT PRIVILEGES FOR ROLE billing_owner GRANT USAGE, SELECT ON SEQUENCES TO billing_app;
ALTER DEFAULT PRIVILEGES FOR ROLE billing_owner GRANT SELECT ON TABLES TO billing_ro;
ALTER ROLE billing_app SET statement_timeout = '60s';
ALTER ROLE billing_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE billing_ro SET default_transaction_read_only = on;

\unset password
\getenv password RCM_AUDIT_OWNER_PASSWORD
SELECT 'CREATE ROLE audit_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_owner') \gexec
ALTER ROLE audit_owner PASSWORD :'password';
\unset password
\getenv password RCM_AUDIT_APP_PASSWORD
SELECT 'CREATE ROLE audit_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_app') \gexec
ALTER ROLE audit_app PASSWORD :'password';
\unset password
\getenv password RCM_AUDIT_RO_PASSWORD
SELECT 'CREATE ROLE audit_ro LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_ro') \gexec
ALTER ROLE audit_ro PASSWORD :'password';
SELECT 'CREATE DATABASE rcm_audit OWNER audit_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'rcm_audit') \gexec
\connect rcm_audit
REVOKE ALL ON DATABASE rcm_audit FROM PUBLIC;
GRANT CONNECT ON DATABASE rcm_audit TO audit_app, audit_ro;
ALTER SCHEMA public OWNER TO audit_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO audit_app, audit_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT USAGE ON SCHEMAS TO audit_app, audit_ro;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO audit_app;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT USAGE, SELECT ON SEQUENCES TO audit_app;
ALTER DEFAULT PRIVILEGES FOR ROLE audit_owner GRANT SELECT ON TABLES TO audit_ro;
ALTER ROLE audit_app SET statement_timeout = '60s';
ALTER ROLE audit_app SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE audit_ro SET default_transaction_read_only = on;
