"""Policies over the environment."""

from polypharmacy.agents.registry import AGENTS, make_agent

__all__ = ["AGENTS", "make_agent"]
