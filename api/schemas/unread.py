"""Bodies that the domain reads: here they are only described."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, PrivateAttr, model_validator


class Unread(BaseModel):
    """Takes an object as it is, for the domain to read strictly: here it is only described."""

    model_config = ConfigDict(extra="forbid")

    _sent: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _unread(cls, data: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        """What is no object is refused here."""
        if not isinstance(data, dict):
            return handler(data)
        fields: dict[str, Any] = {name: data.get(name) for name in cls.model_fields}
        taken = cls.model_construct(**fields)
        taken._sent = data
        return taken

    def told(self) -> dict[str, Any]:
        """As it was sent."""
        return self._sent
