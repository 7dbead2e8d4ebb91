"""Functions that return fitted models that take missing values, for tests of --sklearn."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler


def table() -> pd.DataFrame:
    """Customers, some of whose cities and incomes are unknown."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "city": random.choice(["Bern", "Graz", "Ulm"], 240),
            "income": random.integers(10, 90, 240).astype(float),
            "age": random.integers(18, 80, 240).astype(float),
        }
    )
    frame["label"] = np.where(frame["income"] + 20 * (frame["city"] == "Ulm") > 60, "yes", "no")
    frame.loc[::5, "city"] = None
    frame.loc[1::6, "income"] = np.nan
    return frame


def fitted(city: Any, income: Any, last: Any) -> Any:
    """A pipeline that handles each column on its own."""
    frame = table()
    encode = ColumnTransformer([("city", city, ["city"]), ("income", income, ["income"])], remainder="passthrough")
    return make_pipeline(encode, last).fit(frame.drop(columns="label"), frame["label"])


def filled() -> Any:
    """Both columns are imputed; the age is not."""
    city = make_pipeline(SimpleImputer(strategy="constant", fill_value="unknown"), OneHotEncoder())
    income = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return fitted(city, income, LogisticRegression())


def frequent() -> Any:
    """The most frequent city, and an encoder that ignores other ones."""
    city = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    return fitted(city, SimpleImputer(), LogisticRegression())


def own_category() -> Any:
    """The encoder has a category for unknown cities."""
    return fitted(OneHotEncoder(), SimpleImputer(), LogisticRegression())


def ordinal() -> Any:
    """Boosted trees get NaN for a missing city and a missing income."""
    return fitted(OrdinalEncoder(), "passthrough", HistGradientBoostingClassifier(max_iter=8, random_state=0))


def ordinal_number() -> Any:
    """A missing city is a number of its own, and so is an unknown one."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    return fitted(encoder, "passthrough", HistGradientBoostingClassifier(max_iter=8, random_state=0))


def boosted() -> Any:
    """Boosted trees on numbers alone."""
    frame = table()
    return HistGradientBoostingClassifier(max_iter=8, random_state=0).fit(frame[["income", "age"]], frame["label"])


def linear() -> Any:
    """A linear model, which takes no missing value."""
    frame = table().dropna()
    return LogisticRegression().fit(frame[["income", "age"]], frame["label"])


def japanese() -> Any:
    """A pipeline of which one column has a name in another script."""
    frame = table().rename(columns={"city": "都市"})
    encode = ColumnTransformer([("city", OneHotEncoder(), ["都市"])], remainder=SimpleImputer())
    return make_pipeline(encode, LogisticRegression()).fit(frame.drop(columns="label"), frame["label"])
