"""Downloads the CPU part of PyTorch's wheel as a libtorch.

There is no CPU build of this version on the package index. The wheel is a CUDA build whose CPU part can
be used alone with two small CUDA runtime libraries beside it (docs/adr/0006). The user's own Python
version does not matter, because wheels are only unpacked.

usage: libtorch.py FOLDER      FOLDER must not exist; it appears complete or not at all.
"""

import fnmatch
import os
import platform
import shutil
import subprocess
import sys
import zipfile

VERSION = "2.13.0"

# What libtorch_cpu does not need.
LEFT_OUT = [
    "libtorch_cuda*",
    "libtorch_nvshmem*",
    "libtorch_python*",
    "libtorch_global_deps*",
    "libc10_cuda*",
    "libcaffe2_nvrtc*",
    "libshm*",
    "libtorch.so",
]


def wheels():
    """What to download on this machine: requirements, and the platforms that they are built for."""
    system, machine = platform.system(), platform.machine()
    torch = f"torch=={VERSION}"
    if system == "Linux" and machine in ("x86_64", "aarch64"):
        tags = ["manylinux_2_28", "manylinux_2_27", "manylinux_2_25", "manylinux_2_17", "manylinux2014"]
        cuda = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"]
        return [torch, *cuda], [f"{tag}_{machine}" for tag in tags]
    if system == "Darwin" and machine == "arm64":
        return [torch], [f"macosx_{major}_0_arm64" for major in (11, 12, 13, 14)]
    sys.exit(f"no libtorch is known for {system} {machine}: install libtorch {VERSION} and set LIBTORCH")


def download(folder):
    requirements, platforms = wheels()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--disable-pip-version-check", "--dest", folder]
    command += ["--python-version", "3.12", "--implementation", "cp", "--abi", "cp312", "--abi", "none"]
    for one in platforms:
        command += ["--platform", one]
    subprocess.run(command + requirements, check=True, stdout=sys.stderr)


def wanted(name):
    if name.startswith("torch/include/") or name == "torch/version.py":
        return True
    if name.startswith("torch/lib/"):
        library = name[len("torch/lib/") :]
        return "/" not in library and not any(fnmatch.fnmatch(library, one) for one in LEFT_OUT)
    return name.startswith("nvidia/") and ("/lib/libcudart" in name or "/lib/libcupti" in name)


def unpack(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not name.endswith("/") and wanted(name):
                archive.extract(name, folder)


def finish(folder):
    """Names that the linker looks for, and the version that torch-sys reads."""
    libraries = os.path.join(folder, "torch", "lib")
    if platform.system() == "Linux":
        os.symlink("libtorch_cpu.so", os.path.join(libraries, "libtorch.so"))
        bundled = next(name for name in sorted(os.listdir(libraries)) if name.startswith("libgomp"))
        if bundled != "libgomp.so":
            os.symlink(bundled, os.path.join(libraries, "libgomp.so"))
    with open(os.path.join(folder, "torch", "build-version"), "w", encoding="ascii") as file:
        file.write(VERSION + "\n")


def main():
    [folder] = sys.argv[1:]
    partial = folder + ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        downloads = os.path.join(partial, "wheels")
        os.makedirs(downloads)
        download(downloads)
        for wheel in sorted(os.listdir(downloads)):
            unpack(os.path.join(downloads, wheel), partial)
        shutil.rmtree(downloads)
        finish(partial)
        os.rename(partial, folder)
    except subprocess.CalledProcessError:
        sys.exit(
            "pip could not download the wheels; what it said stands above. Try again when the index can be "
            f"reached, or install libtorch {VERSION} yourself and set LIBTORCH"
        )
    finally:
        # After a failure nothing may stay that a later run could take for complete.
        shutil.rmtree(partial, ignore_errors=True)


main()
