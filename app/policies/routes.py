"""Policies and decisions over HTTP. A policy is named by the id of any of its versions."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.policies import commands, queries
from app.policies.models import PolicyVersion
from app.policies.schemas import DecisionView, FactView, PolicyView, SavePolicy, Simulate, SimulateText, Simulation
from app.policies.simulate import simulate, simulate_text
from tenants.models import Customer

Limit = Annotated[int, Parameter(ge=1, le=200)]
Number = Annotated[int, Parameter(ge=1, le=1_000_000)]
Status = Literal["draft", "published", "retired"]
READ: dict[str, Any] = {"opt": {"permission": "policies.read"}, "tags": ["policies"]}
PUBLISH: dict[str, Any] = {"opt": {"permission": "policies.publish"}, "tags": ["policies"], "status_code": 200}


@get("/v1/policies", operation_id="listPolicies", **READ)
async def list_policies(
    uow: UnitOfWork,
    name: Annotated[str | None, Parameter(min_length=1, max_length=63, pattern=r"^[a-z0-9-]+$")] = None,
    status: Status | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[PolicyView]:
    """Versions of policies, newest first, without their text."""
    return await queries.versions(uow, name=name, status=status, cursor=cursor, limit=limit)


@post("/v1/policies", operation_id="savePolicy", opt={"permission": "policies.write"}, tags=["policies"])
async def save_policy(uow: UnitOfWork, shell: Shell, data: SavePolicy) -> PolicyView:
    """Save a checked document as a draft: the next version of its name. Every remark has its line and column."""
    owner = uow.customer_id or data.customer
    if owner is not None:
        await uow.get(Customer, owner)
    return queries.view(await commands.save(uow, shell.sandbox, data.content, customer_id=owner))


@get("/v1/policies/{policy_id:uuid}", operation_id="getPolicy", **READ)
async def get_policy(uow: UnitOfWork, policy_id: UUID) -> PolicyView:
    """One version with its text."""
    return queries.view(await uow.get(PolicyVersion, policy_id))


@get("/v1/policies/{policy_id:uuid}/versions", operation_id="listPolicyVersions", **READ)
async def list_versions(uow: UnitOfWork, policy_id: UUID, cursor: str | None = None, limit: Limit = 50) -> Page[PolicyView]:
    """All versions of a policy, newest first, without their text."""
    return await queries.versions(uow, of=policy_id, cursor=cursor, limit=limit)


@get("/v1/policies/{policy_id:uuid}/versions/{version:int}", operation_id="getPolicyVersion", **READ)
async def get_version(uow: UnitOfWork, policy_id: UUID, version: Number) -> PolicyView:
    """One version by its number."""
    return queries.view(await queries.version_of(uow, policy_id, version))


@post("/v1/policies/{policy_id:uuid}/versions/{version:int}/publish", operation_id="publishPolicy", **PUBLISH)
async def publish_policy(uow: UnitOfWork, policy_id: UUID, version: Number) -> PolicyView:
    """Put a version in force; the one before is retired."""
    return queries.view(await commands.publish(uow, await queries.version_of(uow, policy_id, version)))


@post("/v1/policies/{policy_id:uuid}/versions/{version:int}/retire", operation_id="retirePolicy", **PUBLISH)
async def retire_policy(uow: UnitOfWork, policy_id: UUID, version: Number) -> PolicyView:
    """Take a version out of force."""
    return queries.view(await commands.retire(uow, await queries.version_of(uow, policy_id, version)))


@post("/v1/policies/{policy_id:uuid}/versions/{version:int}/roll-back", operation_id="rollBackPolicy", **PUBLISH)
async def roll_back_policy(uow: UnitOfWork, policy_id: UUID, version: Number) -> PolicyView:
    """Put a version that was in force before in force again; the present one is retired."""
    return queries.view(await commands.roll_back(uow, await queries.version_of(uow, policy_id, version)))


@post(
    "/v1/policies/{policy_id:uuid}/versions/{version:int}/simulate", operation_id="simulatePolicy", status_code=200,
    opt={"permission": "policies.simulate"}, tags=["policies"],
)  # fmt: skip
async def simulate_policy(uow: UnitOfWork, shell: Shell, policy_id: UUID, version: Number, data: Simulate) -> Simulation:
    """What a version would have decided on past events; nothing is changed."""
    row = await queries.version_of(uow, policy_id, version)
    return await simulate(uow, shell.sandbox, row, days=data.days, limit=data.limit)


@post(
    "/v1/policies/simulate", operation_id="simulatePolicyText", status_code=200, opt={"permission": "policies.simulate"}, tags=["policies"]
)
async def simulate_content(uow: UnitOfWork, shell: Shell, data: SimulateText) -> Simulation:
    """What a document would have decided on past events before it is even kept; nothing is changed."""
    owner = uow.customer_id or data.customer
    if owner is not None:
        await uow.get(Customer, owner)
    return await simulate_text(uow, shell.sandbox, data.content, owner, days=data.days, limit=data.limit)


@get("/v1/policy-facts", operation_id="listPolicyFacts", **READ)
async def list_facts() -> Page[FactView]:
    """Every fact a policy may read: its name, CEL type, meaning and where it comes from."""
    return Page(queries.facts())


@get("/v1/decisions/{decision_id:uuid}", operation_id="getDecision", opt={"permission": "cases.read"}, tags=["policies"])
async def get_decision(uow: UnitOfWork, decision_id: UUID) -> DecisionView:
    """A decision with every input's value, source and age, what was missing, and which rules were asked."""
    return await queries.decision(uow, decision_id)


ROUTES = [
    list_policies, save_policy, get_policy, list_versions, get_version, publish_policy, retire_policy, roll_back_policy, simulate_policy,
    simulate_content, list_facts, get_decision,
]  # fmt: skip
