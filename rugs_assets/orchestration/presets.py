"""What the environment of this checkout presets, so that plain `dagster` commands find the project.

Run once by the Makefile, in the environment that it has made. `dagster asset materialize` reads
no pyproject.toml and has no workspace option, and without DAGSTER_HOME every command would record
its runs in a folder that it throws away. A `.pth` file in the environment's site-packages sets
both, for whoever has not set them, in whatever folder, whether or not the environment is
activated.
"""

import sysconfig
from pathlib import Path

MODULE = "rugs_assets.definitions"


def presets(root: Path) -> dict[str, str]:
    """Variable -> value for a checkout.

    DAGSTER_MODULE_NAME would do for the first two, but contradicts `-w workspace.yaml`; these are
    the names that the command line derives for the option of one command.
    """
    return {
        "DAGSTER_CLI_ASSET_MATERIALIZE_MODULE_NAME": MODULE,
        "DAGSTER_CLI_ASSET_LIST_MODULE_NAME": MODULE,
        "DAGSTER_HOME": str(root),
    }


def write(root: Path, site_packages: Path) -> Path:
    """Write the file that Python reads at its start; one line, as its format wants it."""
    path = site_packages / "rugs_assets_presets.pth"
    path.write_text(
        f"import os; [os.environ.setdefault(*preset) for preset in {presets(root)!r}.items()]\n",
        encoding="utf-8",
    )
    return path


if __name__ == "__main__":
    write(Path.cwd(), Path(sysconfig.get_path("purelib")))
