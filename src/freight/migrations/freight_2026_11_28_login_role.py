"""The login role may assume the two roles and does not inherit their rights."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-28T08:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "the login role inherits nothing"

# A policy for a role applies to every member that inherits from it: a query without a role would see all tenants' rows.
# Only the grantor or a superuser can change a grant.
GRANTS = """
DO $$
DECLARE role_name text;
BEGIN
    FOR role_name IN
        SELECT roleid::regrole FROM pg_auth_members
        WHERE roleid IN ('freight_tenant'::regrole, 'freight_platform'::regrole)
          AND member = current_user::regrole AND grantor = current_user::regrole AND inherit_option
    LOOP
        EXECUTE format('GRANT %s TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', role_name);
    END LOOP;
END
$$;
"""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        await transaction.connection.execute(GRANTS)


async def forwards() -> MigrationManager:
    """Change the grants."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
