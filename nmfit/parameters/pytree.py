"""Frozen dataclasses that JAX can look into."""

import dataclasses
from typing import dataclass_transform

import jax

from .declaration import param


def static(**kwargs):
    """Declare a field that JAX compiles against: hashable, never an array, never a closure."""
    return dataclasses.field(metadata={"static": True}, **kwargs)


@dataclass_transform(frozen_default=True, eq_default=False, kw_only_default=True,
                     field_specifiers=(param, static, dataclasses.field))
def pytree(cls):
    """Make a frozen, keyword-only dataclass whose fields JAX differentiates and batches.

    Equality is identity: comparing arrays field by field has no single answer.
    """
    cls = dataclasses.dataclass(frozen=True, eq=False, kw_only=True)(cls)
    fields = dataclasses.fields(cls)
    meta = [f.name for f in fields if f.metadata.get("static")]
    data = [f.name for f in fields if f.name not in meta]
    return jax.tree_util.register_dataclass(cls, data_fields=data, meta_fields=meta)
