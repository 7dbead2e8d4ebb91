"""Functions that return fitted models, for tests of --sklearn."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC


def table() -> pd.DataFrame:
    """Customers; ``label`` depends on the other columns, except for ``noise``."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "Age (years)": random.integers(18, 80, 240),
            "noise": random.normal(size=240),
            "plan": random.choice(["basic", "free", "pro"], 240),
            "spend": random.gamma(2, 50, 240),
        }
    )
    frame["label"] = np.where(frame["spend"] + 60 * (frame["plan"] == "pro") > 110, "stays", "leaves")
    return frame


def numbers() -> Any:
    """The two numeric columns as a matrix."""
    return table()[["Age (years)", "spend"]].to_numpy(np.float64)


def value() -> Any:
    """The targets of a regressor on `numbers`."""
    return numbers() @ np.array([0.5, 3.0]) + 10


def columns() -> Any:
    """A pipeline with a column transformer that encodes a string column and drops another."""
    known = ("scale", StandardScaler(), ["Age (years)", "spend"])
    transformer = ColumnTransformer([known, ("plan", OneHotEncoder(), ["plan"])])
    frame = table()
    return make_pipeline(transformer, LogisticRegression()).fit(frame.drop(columns="label"), frame["label"])


def lenient_columns() -> Any:
    """Like `columns`, but by position and with an encoder that accepts any value."""
    transformer = ColumnTransformer(
        [("scale", StandardScaler(), [0, 2]), ("plan", OneHotEncoder(handle_unknown="ignore"), [1])]
    )
    frame = table()[["Age (years)", "plan", "spend"]].to_numpy(object)
    return make_pipeline(transformer, LogisticRegression()).fit(frame, table()["label"])


def scaled() -> Any:
    """A pipeline over a matrix, with labels 0 and 1."""
    labels = (table()["label"] == "stays").astype(int)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers(), labels)


def boosted() -> Any:
    """Gradient-boosted trees."""
    return GradientBoostingRegressor(n_estimators=20, random_state=0).fit(numbers(), value())


def forest() -> Any:
    """A random forest."""
    return RandomForestRegressor(n_estimators=10, random_state=0).fit(numbers(), value())


def histogram() -> Any:
    """Three classes by histogram gradient boosting."""
    classes = np.digitize(value(), [200, 400])
    return HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(numbers(), classes)


def without_probabilities() -> Any:
    """A classifier without probabilities."""
    return LinearSVC().fit(numbers() / 100, table()["label"])


def unfitted() -> Any:
    """An estimator that is not fitted."""
    return LinearRegression()


def texts() -> Any:
    """A text vectorizer, which needs a locale in ONNX Runtime."""
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good day", "bad day"], ["good", "bad"])


def no_model() -> Any:
    """Not an estimator."""
    return {"weights": 3}


answer = 42
