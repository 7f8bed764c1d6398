"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute("set local statement_timeout = '60s'")
    ${upgrades or ""}


def downgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute("set local statement_timeout = '60s'")
    ${downgrades or ""}
