"""Who plays: the people and customers of each demo partner, as their manifests name them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cast:
    """One partner's people. The story happens to `customer`; `bystander` is another customer of the same partner who must see none of it."""

    partner: str
    brand: str
    domain: str
    customer: str
    customer_name: str
    account: str
    bystander: str
    admin: str
    analyst: str
    operator: str
    approver: str
    second_approver: str
    contact: str
    colleague: str
    bystander_contact: str
    subject: str

    @property
    def host(self) -> str:
        """The partner's portal on the installation's own domain."""
        return f"{self.partner}.localhost"

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who signs in."""
        return (self.operator, self.approver, self.second_approver, self.contact, self.bystander_contact)


CASTS = {
    "northwind": Cast(
        partner="northwind",
        brand="Northwind",
        domain="care.northwind.example",
        customer="acme-pharma",
        customer_name="Acme Pharma",
        account="ACME-01",
        bystander="boreal-foods",
        admin="mira@northwind.example",
        analyst="lena@northwind.example",
        operator="ida@northwind.example",
        approver="omar@northwind.example",
        second_approver="paula@northwind.example",
        contact="ops@acme-pharma.example",
        colleague="zoe@acme-pharma.example",
        bystander_contact="desk@boreal-foods.example",
        subject="verspätet sich",
    ),
    "harborline": Cast(
        partner="harborline",
        brand="Harborline",
        domain="desk.harborline.example",
        customer="corvid-medical",
        customer_name="Corvid Medical",
        account="CORVID-11",
        bystander="tideway-parts",
        admin="joost@harborline.example",
        analyst="lena@harborline.example",
        operator="nora@harborline.example",
        approver="teun@harborline.example",
        second_approver="lotte@harborline.example",
        contact="ops@corvid-medical.example",
        colleague="zoe@corvid-medical.example",
        bystander_contact="desk@tideway-parts.example",
        subject="is delayed",
    ),
}
