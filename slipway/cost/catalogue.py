"""The types of resources that cost nothing by standing there: those that are free, and those charged by use."""

FREE = frozenset(
    {
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Deployment",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::ApiGatewayV2::VpcLink",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CDK::Metadata",
        "AWS::CloudFormation::CustomResource",
        "AWS::CloudFormation::WaitCondition",
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::CodeDeploy::Application",  # for Lambda and ECS; EC2 and on-premises are free of charge or not ours
        "AWS::CodeDeploy::DeploymentConfig",
        "AWS::CodeDeploy::DeploymentGroup",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::LaunchTemplate",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECS::CapacityProvider",  # its instances are priced with their services, or by the hour of a run
        "AWS::ECS::ClusterCapacityProviderAssociations",
        "AWS::ECS::TaskDefinition",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::Events::EventBusPolicy",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogStream",
        "AWS::Logs::MetricFilter",
        "AWS::Logs::QueryDefinition",
        "AWS::Logs::ResourcePolicy",
        "AWS::Logs::SubscriptionFilter",  # the function that it calls is charged
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::SecretsManager::ResourcePolicy",
        "Custom::S3AutoDeleteObjects",
        "Custom::VpcRestrictDefaultSG",
    }
)

FUNCTION = "AWS::Lambda::Function"
METRICS = "$0.30 a month for each metric of functions and tasks, by the hours in which it is written; 10 are free"

BY_USE = {
    "AWS::ApiGatewayV2::Api": "requests",
    "AWS::DynamoDB::GlobalTable": "requests, storage over 25 GB in the account, point-in-time recovery by the GB",
    "AWS::DynamoDB::Table": "requests, storage over 25 GB in the account, point-in-time recovery by the GB",
    "AWS::ECS::Cluster": "Container Insights, as custom metrics: $0.07 to $0.30 each, while tasks run",
    "AWS::Lambda::Function": "calls, and storage of code over 75 GB",
    "AWS::Lambda::Version": "calls; with SnapStart, $0.00014 for each GB restored at a cold start",
    "AWS::Logs::LogGroup": "ingestion, and storage until a line expires: $0.03 a GB",
    "AWS::S3::Bucket": "requests and storage: $0.023 a GB",
    "AWS::SNS::Subscription": "notifications; 1,000 e-mails a month are free",
    "AWS::SNS::Topic": "notifications; a million requests a month are free",
    "AWS::SQS::Queue": "requests; a million a month are free",
    "AWS::StepFunctions::StateMachine": "state transitions; 4,000 a month are free",
}
"""What is charged, by type, beside what the lines of the bill have."""
