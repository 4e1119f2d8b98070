"""The built-in extractors keep the contract."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import abeja_runtime_results.directory
import abeja_runtime_results.tar
import abeja_runtime_results.zip
from abeja.runtime.testing import Archive, ExtractorContract

FILES = {"a.txt": b"content", "folder/empty": b"", "folder/large": bytes(range(256)) * 1_000}


def tarred(form: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    # A block of zeros is the end mark; what tarfile puts behind it is padding.
    content = buffer.getvalue().rstrip(b"\0")
    return content + bytes(-len(content) % 512 + 512)


def zipped(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class TestTar(ExtractorContract):
    plugin = abeja_runtime_results.tar
    samples = (
        Archive(tarred(tarfile.PAX_FORMAT), FILES),
        Archive(tarred(tarfile.GNU_FORMAT), FILES),
        Archive(gzip.compress(tarred(tarfile.USTAR_FORMAT)), FILES),
        Archive(bz2.compress(tarred(tarfile.PAX_FORMAT)), FILES),
        Archive(lzma.compress(tarred(tarfile.PAX_FORMAT)), FILES),
    )


class TestZip(ExtractorContract):
    plugin = abeja_runtime_results.zip
    samples = (
        Archive(zipped(zipfile.ZIP_DEFLATED), FILES),
        Archive(zipped(zipfile.ZIP_STORED), FILES),
        Archive(zipped(zipfile.ZIP_LZMA), FILES),
    )


class TestDirectory(ExtractorContract):
    plugin = abeja_runtime_results.directory
    samples = (Archive(FILES, FILES),)
