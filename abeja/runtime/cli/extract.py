"""``abeja-runtime extract``."""

from pathlib import Path
from typing import Any

import click

from abeja.runtime import logs
from abeja.runtime.cli.options import COMMON_OPTIONS, with_options
from abeja.runtime.cli.termination import unwound_by_signals
from abeja.runtime.config import resolve
from abeja.runtime.errors import FolderOccupiedError


@click.command()
@click.argument("archive", type=click.Path(exists=True, path_type=Path))
@click.argument("dest", type=click.Path(path_type=Path))
@with_options("max_training_result", *COMMON_OPTIONS)
def extract(archive: Path, dest: Path, **flags: Any) -> None:
    """Extract ARCHIVE into the folder DEST, as --training-result does, and nothing else.

    \b
    Example:
        abeja-runtime extract result.tar.gz ./result

    ARCHIVE is a tar (plain, gzip, bzip2, xz), a zip or a folder, which is told by its content and
    not by its name. DEST must not exist, or be an empty folder.

    The archive is not trusted. Names and links that lead out of DEST, devices, names that clash,
    sizes without measure, wrong checksums and cut files are refused with exit code 3. Then nothing is
    left behind: DEST appears in one step, when all of the archive has been read and written.
    """
    # Only those who extract wait for these imports.
    from abeja.runtime.prepare.extraction import extract as extract_into  # noqa: PLC0415
    from abeja.runtime.prepare.limits import Limits  # noqa: PLC0415
    from abeja.runtime.prepare.placement import Place  # noqa: PLC0415
    from abeja.runtime.prepare.transfer import Transfer, terminal  # noqa: PLC0415

    configuration = resolve(flags)
    logs.configure(configuration.options.log_level, is_json=configuration.options.log_format == "json")
    place = Place(dest)
    if not place.is_free:
        raise FolderOccupiedError(
            f"the folder {dest} is not empty, or is no folder.", hint="name one that does not exist yet."
        )
    with unwound_by_signals(), place.locked(), place.new_folder() as new:
        with Transfer("extracting", archive.name, terminal=terminal()) as transfer:
            extracted = extract_into(
                archive,
                new,
                extractors=configuration.plugins.extractors(),
                limits=Limits(total_bytes=configuration.options.max_training_result),
                progress=transfer,
            )
        place.put(new)
    click.echo(f"{extracted.members} members, {extracted.size_bytes} bytes", err=True)
