"""READ_VARIABLE and ASSIGN_VARIABLE: copies out of and into states. Kernel: firmware/src/nn/copy.h.

VAR_HANDLE and CALL_ONCE make no layer: `model/variables.py` has followed them.
`passes/variables.py` does without the copies that nobody can tell from the variable itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.compiler.ops.layer import Code, Layer, Site, State
from edge_deploy.model.graph import Variable

# Operators that only say what others mean.
DECLARATIONS = ("CALL_ONCE", "VAR_HANDLE")


@dataclass(frozen=True)
class CopyVariable(Layer):
    """A READ_VARIABLE (state to tensor) or an ASSIGN_VARIABLE (tensor to state)."""

    state: State
    shape: tuple[int, ...]

    @property
    def shapes(self) -> str:
        """The variable's shape, for a person."""
        return "x".join(map(str, self.shape)) or "scalar"

    @property
    def reads(self) -> bool:
        """True for a READ_VARIABLE."""
        return self.inputs == (self.state.tensor,)

    @property
    def states(self) -> tuple[State, ...]:
        """The variable."""
        return (self.state,)

    def code(self, target: str) -> Code:
        """The layer in C."""
        del target
        return Code(
            include="nn/copy.h",
            stem="copy",
            parameters="const void *input, void *output",
            body=f"    ed_copy({self.state.bytes}, input, output);",
        )


def read(site: Site) -> CopyVariable:
    """A READ_VARIABLE or ASSIGN_VARIABLE of the file, checked. Raises UnsupportedModel."""
    variable = site.graph.variables[site.operator.inputs[0]]
    if site.operator.name == "READ_VARIABLE":
        inputs, outputs = (variable.tensor,), site.operator.outputs
        value = site.output
    else:
        inputs, outputs = (site.operator.inputs[1],), (variable.tensor,)
        value = site.tensor(1)
    site.at_run_time(value, "a value")
    return CopyVariable(
        index=site.operator.index,
        operator=site.operator.name,
        inputs=inputs,
        outputs=outputs,
        state=State(variable.tensor, _beginning(variable, value.bytes)),
        shape=variable.shape,
    )


def _beginning(variable: Variable, size: int) -> bytes:
    """The variable's bytes after a reset; zeros where each inference assigns before it reads."""
    if variable.initial is None:
        return bytes(size)
    return variable.initial.tobytes()
