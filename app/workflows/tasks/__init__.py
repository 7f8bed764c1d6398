"""One module a task type of the specification: how it is read, and what it does."""

from app.workflows.tasks.behaviour import Kind
from app.workflows.tasks.call import Call
from app.workflows.tasks.do import Do
from app.workflows.tasks.fork import Fork
from app.workflows.tasks.listen import Listen
from app.workflows.tasks.raise_ import Raise
from app.workflows.tasks.set import Set
from app.workflows.tasks.switch import Switch
from app.workflows.tasks.try_ import Try
from app.workflows.tasks.wait import Wait

KINDS: dict[str, Kind] = {each.kind: each for each in (Call(), Do(), Fork(), Listen(), Raise(), Set(), Switch(), Try(), Wait())}
