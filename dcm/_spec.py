"""What a dynamic causal model consists of: which connections exist, by name, and how its parameters are laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import ArrayLike

from .tables import counted, find_name, shortened

Mask = Bool[np.ndarray, "..."]


class Parameters(eqx.Module):
    """Parameters of a one-state bilinear (or nonlinear) DCM; all arrays may carry leading batch axes.

    The index order of every connection is (to, from). Diagonal entries of A and B are log scales on a
    self-inhibition of −½ Hz; all other entries of A, B and D are rates in Hz, and C is in Hz per unit of input
    after division by 16.

    Fields:
        A: (region, region) endogenous connectivity.
        B: (region, region, input) its modulation by each input.
        C: (region, input) driving inputs.
        D: (region, region, region) its modulation by each region: to, from, gate.
        transit: (region,) log scale of the haemodynamic transit time.
        decay: () log scale of the vasodilatory signal's decay.
        epsilon: () log ratio of intra- to extravascular signal.
    """

    A: Float[Array, "*batch region region"]
    B: Float[Array, "*batch region region input"]
    C: Float[Array, "*batch region input"]
    D: Float[Array, "*batch region region region"]
    transit: Float[Array, "*batch region"]
    decay: Float[Array, "*batch"]
    epsilon: Float[Array, "*batch"]


@dataclass(frozen=True, eq=False)
class Spec:
    """The structure of one DCM: region and input names, and which connections are free.

    Arguments:
        regions: n region names.
        inputs: m input names.
        a: (n, n), a[i, j] is true where region j drives region i. The diagonal is always free under SPM12's priors.
        b: (n, n, m), b[i, j, k] is true where input k changes connection j → i.
        c: (n, m), c[i, k] is true where input k drives region i.
        d: (n, n, n), d[i, j, k] is true where activity of region k gates connection j → i; all false by default.

    Masks may be given as 0/1 numbers. Raises `ValueError` where names repeat or shapes do not match the names.
    """

    regions: tuple[str, ...]
    inputs: tuple[str, ...]
    a: Mask
    b: Mask
    c: Mask
    d: Mask

    def __init__(
        self,
        regions: Sequence[str],
        inputs: Sequence[str],
        a: ArrayLike,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        d: ArrayLike | None = None,
    ) -> None:
        for kind, names in (("regions", regions), ("inputs", inputs)):
            if isinstance(names, set | frozenset):  # an order of chance
                raise ValueError(f"{kind} are a list of names in the model's order, not a {type(names).__name__}")
        n, m = len(regions), len(inputs)
        shapes = {"a": (n, n), "b": (n, n, m), "c": (n, m), "d": (n, n, n)}
        problems = []
        for kind, names in (("region", regions), ("input", inputs)):
            repeated = sorted({name for name in names if list(names).count(name) > 1})
            if repeated:
                problems.append(f"{kind} names must differ; more than once: {', '.join(map(repr, repeated))}")
        if n == 0:
            problems.append("a DCM needs at least one region")
        for field, given in (("a", a), ("b", b), ("c", c), ("d", d)):
            mask = np.zeros(shapes[field]) if given is None else np.asarray(given)
            if mask.size == 0:  # SPM writes absent b and d as n × n × 0
                mask = np.zeros(shapes[field])
            if mask.shape != shapes[field]:
                problems.append(
                    f"mask {field} has shape {mask.shape}, but {n} regions and {m} inputs need {shapes[field]}"
                )
            elif not np.isin(mask, (0, 1)).all():
                problems.append(f"mask {field} must hold only 0 and 1")
            object.__setattr__(self, field, _frozen(mask.astype(bool)))
        if problems:
            raise ValueError("; ".join(problems))
        object.__setattr__(self, "regions", tuple(map(str, regions)))
        object.__setattr__(self, "inputs", tuple(map(str, inputs)))

    @property
    def n(self) -> int:
        """Number of regions."""
        return len(self.regions)

    @property
    def m(self) -> int:
        """Number of inputs."""
        return len(self.inputs)

    @cached_property
    def layout(self) -> Layout:
        """How this model's parameters are laid out in a vector."""
        return Layout(self.n, self.m, bool(self.d.any()))

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Name of every parameter in the order of `Layout`, such as ``A[vmPFC<-amygdala]`` (Hz)."""
        to_from = [f"{i}<-{j}" for j in self.regions for i in self.regions]
        return (
            *(f"A[{pair}]" for pair in to_from),
            *(f"B[{pair}, {k}]" for k in self.inputs for pair in to_from),
            *(f"C[{i}<-{k}]" for k in self.inputs for i in self.regions),
            *(f"D[{pair}, {k}]" for k in self.regions for pair in to_from if self.layout.gated),
            *(f"transit[{i}]" for i in self.regions),
            "decay",
            "epsilon",
        )

    def parameters(self, values: Mapping[str, float]) -> Parameters:
        """Parameters for `simulate`: those in `values` by their names, free in the model or not, all others 0.

        >>> spec.parameters({"A[amygdala<-vmPFC]": 0.2, "C[vmPFC<-task]": 0.5})

        Spaces and ← for <- make no difference.

        Raises `ValueError` where a name is none of `parameter_names` or is given twice, or a value is not finite.
        """
        names = self.parameter_names
        meant = {name: find_name(name, names) for name in values}
        if unknown := [name for name, found in meant.items() if found is None]:
            raise ValueError(f"the model has no parameter {unknown[0]!r}; it has {shortened(names)}")
        if repeated := [name for name, found in meant.items() if list(meant.values()).count(found) > 1]:
            raise ValueError(f"{' and '.join(map(repr, repeated[:2]))} are one parameter; give it once")
        planted = {meant[name]: float(value) for name, value in values.items()}
        if odd := [name for name, value in planted.items() if not np.isfinite(value)]:
            raise ValueError(f"{odd[0]} is {planted[odd[0]]}; give a finite number")
        return self.layout.to_tree(np.array([planted.get(name, 0.0) for name in names]))

    def __repr__(self) -> str:
        free = ", ".join(f"{int(getattr(self, field).sum())} {field.upper()}" for field in "abcd")
        regions, inputs = counted(self.n, "region"), counted(self.m, "input")
        return f"Spec({regions}: {shortened(self.regions)}; {inputs}: {shortened(self.inputs)}; {free})"

    def _key(self) -> tuple[object, ...]:
        masks = (self.a, self.b, self.c, self.d)
        return (self.regions, self.inputs, *(mask.tobytes() for mask in masks))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(frozen=True)
class Layout:
    """The order of parameters in a vector: A, B, C, D, transit, decay, epsilon, each with its first index fastest.

    This is the order of SPM's Ep and Cp, so that covariances can be compared entry by entry. As in SPM,
    D takes no space where no connection is gated.

    Arguments:
        n, m: numbers of regions and inputs.
        gated: whether D is part of the vector.
    """

    n: int
    m: int
    gated: bool = False

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of entries of each field, in order."""
        n, m = self.n, self.m
        return {
            "A": n * n,
            "B": n * n * m,
            "C": n * m,
            "D": n**3 if self.gated else 0,
            "transit": n,
            "decay": 1,
            "epsilon": 1,
        }

    @property
    def size(self) -> int:
        """Number of parameters, free or not."""
        return sum(self.sizes.values())

    def field_slice(self, field: str) -> slice:
        """Where `field` lies in the vector."""
        fields = list(self.sizes)
        start = sum(self.sizes[name] for name in fields[: fields.index(field)])
        return slice(start, start + self.sizes[field])

    def field_of(self, entry: int) -> str:
        """Which field an entry of the vector belongs to."""
        return next(name for name in self.sizes if entry < self.field_slice(name).stop)

    def to_tree(self, vector: Float[Array, "*batch param"] | Float[np.ndarray, "*batch param"]) -> Parameters:
        """Vector → named arrays."""
        n, m, batch = self.n, self.m, vector.shape[:-1]
        array = np if isinstance(vector, np.ndarray) else jnp

        def part(field: str, *shape: int) -> Any:  # an array of the vector's own kind
            flat = vector[..., self.field_slice(field)]
            # First index fastest: reshape to the reversed shape and turn the axes round.
            turned = flat.reshape((*batch, *shape[::-1]))
            axes = range(len(batch), len(batch) + len(shape))
            return turned.transpose((*range(len(batch)), *reversed(axes)))

        return Parameters(
            A=part("A", n, n),
            B=part("B", n, n, m),
            C=part("C", n, m),
            D=part("D", n, n, n) if self.gated else array.zeros((*batch, n, n, n)),
            transit=part("transit", n),
            decay=part("decay"),
            epsilon=part("epsilon"),
        )

    def to_vector(self, tree: Parameters) -> Float[Array, "*batch param"]:
        """Named arrays → vector; the inverse of `to_tree`."""
        decay = jnp.asarray(tree.decay)
        batch = decay.ndim
        parts = []
        for field, size in self.sizes.items():
            if not size:
                continue
            value = jnp.asarray(getattr(tree, field))
            trailing = range(batch, value.ndim)
            turned = jnp.transpose(value, (*range(batch), *reversed(trailing)))
            parts.append(turned.reshape(*decay.shape, size))
        return jnp.concatenate(parts, axis=-1)


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.array(array)
    array.setflags(write=False)
    return array
