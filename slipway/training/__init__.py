"""Training: labelled predictions become a data set, a recipe makes a package of it, and gates judge the package."""
