"""Which network addresses code on a tenant's behalf may dial: our own table, since `is_global` passes several that must not be.

Ranges from the IANA special-purpose registries (RFC 6890), plus the clouds' metadata addresses. IPv6 is an allow-list: only global
unicast, without the parts that carry an IPv4 address inside (mapped, 6to4, NAT64, Teredo).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_DENIED_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
_GLOBAL_V6 = IPv6Network("2000::/3")
_DENIED_V6 = tuple(IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def is_allowed(address: str) -> bool:
    """Whether this address (text, without a zone index) lies in the public internet."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in block for block in _DENIED_V4)
    return ip in _GLOBAL_V6 and not any(ip in block for block in _DENIED_V6)


def is_loopback(address: str) -> bool:
    """Whether this address is the machine itself."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    return any(ip in block for block in _LOOPBACK if block.version == ip.version)
