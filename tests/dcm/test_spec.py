"""The structure of a model and the order of its parameters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm import Layout, Spec


@given(n=st.integers(1, 4), m=st.integers(0, 3), gated=st.booleans(), seed=st.integers(0, 2**16))
def test_vector_and_tree_are_inverse(n: int, m: int, gated: bool, seed: int) -> None:
    layout = Layout(n, m, gated)
    vector = np.random.default_rng(seed).standard_normal(layout.size)
    assert np.array_equal(layout.to_vector(layout.to_tree(vector)), vector)


def test_batches_of_vectors_keep_their_leading_axis() -> None:
    layout = Layout(3, 2)
    vectors = np.random.default_rng(0).standard_normal((5, layout.size))
    tree = layout.to_tree(vectors)
    assert tree.B.shape == (5, 3, 3, 2)
    assert np.array_equal(layout.to_vector(tree), vectors)


def test_names_follow_the_vector() -> None:
    spec = Spec(["vmPFC", "amygdala"], ["faces"], np.ones((2, 2)))
    tree = spec.layout.to_tree(np.arange(spec.layout.size, dtype=float))
    position = spec.parameter_names.index("A[vmPFC<-amygdala]")
    assert tree.A[0, 1] == position
    assert len(spec.parameter_names) == spec.layout.size


def test_first_index_is_fastest_as_in_spm() -> None:
    assert Spec(["x", "y"], [], np.ones((2, 2))).parameter_names[:3] == ("A[x<-x]", "A[y<-x]", "A[x<-y]")


def test_gating_takes_space_only_where_it_exists() -> None:
    gate = np.zeros((2, 2, 2))
    gate[0, 1, 0] = 1
    plain = Spec(["x", "y"], ["u"], np.ones((2, 2)))
    gated = Spec(["x", "y"], ["u"], np.ones((2, 2)), d=gate)
    assert gated.layout.size == plain.layout.size + 8
    assert "D[x<-y, x]" in gated.parameter_names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regions": ["x", "x"], "inputs": ["u"], "a": np.ones((2, 2))}, "region names must differ"),
        ({"regions": ["x", "y"], "inputs": ["u", "u"], "a": np.ones((2, 2))}, "input names must differ"),
        ({"regions": ["x", "y"], "inputs": ["u"], "a": np.ones((3, 3))}, "mask a has shape"),
        ({"regions": ["x", "y"], "inputs": ["u"], "a": np.full((2, 2), 0.5)}, "only 0 and 1"),
        ({"regions": [], "inputs": ["u"], "a": np.ones((0, 0))}, "at least one region"),
    ],
)
def test_an_inconsistent_model_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Spec(**arguments)  # type: ignore[arg-type]  # options by name


def test_all_that_is_wrong_comes_in_one_message() -> None:
    with pytest.raises(ValueError, match=r"mask a .*; mask c"):
        Spec(["x", "y"], ["u"], np.ones((1, 1)), c=np.ones((1, 1)))


def test_equal_models_hash_alike() -> None:
    one, other = (Spec(["x"], ["u"], [[1]], c=[[1]]) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Spec(["x"], ["u"], [[1]])


def test_parameters_by_name_are_where_the_names_say() -> None:
    spec = Spec(["V1", "V5"], ["motion", "attention"], a=np.ones((2, 2)), b=np.ones((2, 2, 2)), c=np.ones((2, 2)))
    planted = spec.parameters({"A[V5<-V1]": 0.4, "B[V1<-V5, attention]": -0.2, "C[V1<-motion]": 0.8, "decay": 0.1})
    assert planted.A.tolist() == [[0, 0], [0.4, 0]]
    assert planted.B[0, 1].tolist() == [0, -0.2]
    assert planted.C.tolist() == [[0.8, 0], [0, 0]]
    assert planted.decay == 0.1
    with pytest.raises(ValueError, match=r"no parameter 'A\[V5\]'"):
        spec.parameters({"A[V5]": 1.0})
    with pytest.raises(ValueError, match=r"'A\[V5<-V1\]' and 'A\[V5 <- V1\]' are one parameter"):
        spec.parameters({"A[V5<-V1]": 0.1, "A[V5 <- V1]": 0.2})
    with pytest.raises(ValueError, match="decay is nan"):
        spec.parameters({"decay": np.nan})
