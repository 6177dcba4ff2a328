"""What the sensors of a virtual board sense: what `--mic`, `--imu` and `--camera` say, together."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.devices.virtual import camera, imu, microphone
from edge_deploy.devices.virtual.camera import Camera, CameraInput
from edge_deploy.devices.virtual.imu import Imu, ImuInput
from edge_deploy.devices.virtual.microphone import Microphone, MicrophoneInput
from edge_deploy.devices.virtual.sensor import Sensor


@dataclass(frozen=True)
class Scene:
    """A fact, to be given to a board, which makes its own sensors of it.

    None: nothing was said, so silence, rest or grey.
    """

    microphone: MicrophoneInput | None = None
    imu: ImuInput | None = None
    camera: CameraInput | None = None

    @property
    def live(self) -> bool:
        """Whether something of it is made now, by the wall clock."""
        return self.microphone is not None and self.microphone.live

    @property
    def options(self) -> tuple[str, ...]:
        """Of those for which something was said."""
        said = {"--mic": self.microphone, "--imu": self.imu, "--camera": self.camera}
        return tuple(option for option, given in said.items() if given is not None)

    def sensors(self) -> tuple[Sensor, ...]:
        """All sensors, for one board; each of them off."""
        return (
            Microphone((self.microphone or microphone.silence()).sound()),
            Imu(self.imu or imu.rest()),
            Camera(self.camera or camera.grey()),
        )
