"""What can be asked for: patterns with their parameters, and the city's tasks as templates."""

from __future__ import annotations

from fastapi import APIRouter

from api.schemas.patterns import PatternList, PatternOut, TemplateList, TemplateOut
from missions.patterns.catalog import CATALOG
from missions.templates import TEMPLATES

router = APIRouter(tags=["missions"])


@router.get("/patterns")
async def list_patterns() -> PatternList:
    """Every pattern, how it is drawn and what it can be told."""
    return PatternList(items=[PatternOut.of(spec) for spec in CATALOG.values()])


@router.get("/templates")
async def list_templates() -> TemplateList:
    """The city's tasks, each a pattern with what it takes."""
    return TemplateList(items=[TemplateOut.of(template) for template in TEMPLATES.values()])
