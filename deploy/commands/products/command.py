"""What an editor does with products: see their rows, publish new ones, retire what is over.

    practice products list [--all]
    practice products show PRODUCT
    practice products apply FILE [--id PRODUCT] [--dry-run]
    practice products retire | restore PRODUCT

The running local stack is asked, or the service that SESSION_ADDRESS and
INTERNAL_TOKEN_FILE name; there, without the local stack's packages, as
`python -m deploy.commands.products.command list`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.run import run
from deploy.commands.tables import plain_table, show

if TYPE_CHECKING:
    from practice.session.v1 import product_admin_service_pb2 as pb

    from deploy.commands.products.client import ProductAdminClient

Name = Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name, such as focus.")]

app = typer.Typer(
    no_args_is_help=True, help="Show products, publish their rows, retire them.", rich_markup_mode=None
)


@app.command("list")
def list_products(
    every: Annotated[bool, typer.Option("--all", help="Show the replaced versions too.")] = False,
) -> None:
    """Show the products that were published, retired ones too."""
    with _client() as client:
        versions = list(client.versions(newest_only=not every))
    table = plain_table("product", "version", "published", "retired", "content", "items", "modes")
    for version in versions:
        row = version.row
        table.add_row(
            row.product,
            str(version.version),
            version.publish_time.ToJsonString(),
            version.retire_time.ToJsonString() if version.HasField("retire_time") else "",
            row.content,
            row.items,
            " ".join(row.modes),
        )
    show(table)


@app.command("show")
def show_product(product: Name) -> None:
    """Print a product's row as a file of products has it, with every value that was left out."""
    with _client() as client:
        version = client.newest(product)
    print("\n".join(_lines(version)))


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="Rows of products, as in content/products.yaml.")],
    only: Annotated[
        list[str] | None, typer.Option("--id", help="Of the file, this product only; again for more.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of the rows; publish nothing.")
    ] = False,
) -> None:
    """Publish the rows of a file, all or none. Products that it leaves out stay as they are."""
    from deploy.commands.content.chosen import read_chosen  # noqa: PLC0415 - slow to import
    from deploy.commands.content.schema import PRODUCTS  # noqa: PLC0415 - as above

    entries = read_chosen(file, PRODUCTS, key="product", only=only or ())
    with _client() as client:
        became = client.publish(entries, validate_only=dry_run)
    counts = f"{became.created_count} new, {became.updated_count} changed, {became.unchanged_count} as before"
    print(f"would be {counts}; nothing was published" if dry_run else counts)


@app.command()
def retire(product: Name) -> None:
    """Let nobody start sessions of a product any more; what is open can be ended. Again changes nothing."""
    with _client() as client:
        version = client.retire(product)
    print(f"{product} is retired since {version.retire_time.ToJsonString()}, version {version.version}")


@app.command()
def restore(product: Name) -> None:
    """Let sessions of a retired product be started again. Again changes nothing."""
    with _client() as client:
        version = client.restore(product)
    print(f"{product} can be started, version {version.version}")


def _lines(version: pb.ProductVersion) -> Iterator[str]:
    """Yields a product's row in YAML, below a comment on its version."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - slow to import

    from deploy.commands.content.kinds import Choice, Flag, TextList  # noqa: PLC0415 - as above
    from deploy.commands.content.schema import PRODUCTS  # noqa: PLC0415 - as above

    retired = f", retired {version.retire_time.ToJsonString()}" if version.HasField("retire_time") else ""
    yield f"# version {version.version}, published {version.publish_time.ToJsonString()}{retired}"
    # Values of enums come by their names.
    values = MessageToDict(version.row, preserving_proto_field_name=True)
    lead = "- "
    for field in PRODUCTS.fields:
        value = values.get(field.message_field)
        match field.rule:
            case Flag():
                shown = "yes" if value else "no"
            case _ if not value:
                continue
            case Choice(options=options):
                shown = next(word for word, name in options if name == value)
            case TextList():
                shown = f"[{', '.join(value)}]"
            case _:
                shown = str(value)
        yield f"{lead}{field.key}: {shown}"
        lead = "  "


def _client() -> AbstractContextManager[ProductAdminClient]:
    """Returns a client of the service; a failed call ends the command with its reason."""
    from deploy.commands.admin_client import open_client  # noqa: PLC0415 - slow to import
    from deploy.commands.products.client import ProductAdminClient  # noqa: PLC0415 - as above, and needs the generated stubs

    return open_client(ProductAdminClient)


if __name__ == "__main__":
    run(app)
