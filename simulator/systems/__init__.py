"""The systems a distributor's order touches, one file each."""

from simulator.operations import System
from simulator.systems.carrier import carrier
from simulator.systems.crm import crm
from simulator.systems.desk import desk
from simulator.systems.erp import erp
from simulator.systems.wms import wms

SYSTEMS: dict[str, System] = {system.name: system for system in (wms, erp, crm, carrier, desk)}
