"""Forwarding rules: which other systems are told what, and how far each of them is."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from api.etags import etag, revision_of
from api.forwarding import ForwardingDesk
from api.schemas.forwarding import RuleChange, RuleIn, RuleList, RuleOut, secrets_of
from api.services import Asker
from core.errors import RevisionRequired
from core.ids import new_id
from operations.forwarding.ports import Standing
from operations.forwarding.rules import Rule, RuleId

router = APIRouter(prefix="/forwarding", tags=["forwarding"])


async def _desk(request: Request) -> ForwardingDesk:
    desk = request.app.state.forwarding
    assert isinstance(desk, ForwardingDesk)
    return desk


Desk = Annotated[ForwardingDesk, Depends(_desk)]


@router.get("/rules")
async def list_forwarding_rules(desk: Desk) -> RuleList:
    """Every rule with its standing, in the order of their making."""
    now = desk.clock.now()
    return RuleList(items=[RuleOut.of(rule, standing, now) for rule, standing in await desk.all()])


@router.post("/rules", status_code=201)
async def add_forwarding_rule(asked: RuleIn, desk: Desk, asker: Asker, response: Response) -> RuleOut:
    """Makes a rule. It tells of what happens from now on; the secrets of its target are stored encrypted."""
    rule_id = RuleId(asked.id or new_id("forward"))
    added = await desk.add(asked.rule(rule_id, desk.clock.now(), asker.operator_id), asked.secrets())
    return _told(added, Standing(), desk, response)


@router.get("/rules/{rule_id}")
async def one_forwarding_rule(rule_id: RuleId, desk: Desk, response: Response) -> RuleOut:
    """One of them; the ETag is what a change must name."""
    rule, standing = await desk.one(rule_id)
    return _told(rule, standing, desk, response)


@router.patch("/rules/{rule_id}")
async def change_forwarding_rule(
    rule_id: RuleId,
    asked: RuleChange,
    desk: Desk,
    response: Response,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> RuleOut:
    """Changes what is named, on top of the revision that If-Match names. What waits for the target stays."""
    rule, standing = await desk.one(rule_id)
    if if_match is None:
        raise RevisionRequired("forwarding rule", rule_id)
    changed = replace(rule, **asked.changes(), row_revision=revision_of(if_match) + 1)
    given = {} if asked.target is None else secrets_of(asked.target)
    return _told(await desk.change(changed, given), standing, desk, response)


@router.delete("/rules/{rule_id}", status_code=204)
async def remove_forwarding_rule(rule_id: RuleId, desk: Desk) -> None:
    """Ends a rule; what waits for its target is forgotten."""
    await desk.remove(rule_id)


def _told(rule: Rule, standing: Standing, desk: ForwardingDesk, response: Response) -> RuleOut:
    response.headers["ETag"] = etag(rule.row_revision)
    return RuleOut.of(rule, standing, desk.clock.now())
