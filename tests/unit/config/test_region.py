from slipway.config.deployment.environment import use_region


def test_the_variable_that_boto3_ignores_wins() -> None:
    for given, used in (({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"), ({}, None)):
        environment = dict(given)
        use_region(environment)
        assert environment.get("AWS_DEFAULT_REGION") == used
    environment = {"AWS_DEFAULT_REGION": "us-east-1"}
    use_region(environment)
    assert environment == {"AWS_DEFAULT_REGION": "us-east-1"}
