"""What is known: facts about drugs and rules about mechanisms, every row cited."""

from polypharmacy.knowledge.knowledge import Knowledge, load
from polypharmacy.knowledge.tables import KnowledgeError
from polypharmacy.knowledge.vocabulary import Action, Kind, Route, Severity

__all__ = ["Action", "Kind", "Knowledge", "KnowledgeError", "Route", "Severity", "load"]
