/** What the roles of deploy/iam may do and what they may not, request by request. */
import t from 'tap'
import { isAllowed, type Request, type Statement } from './helpers/iam.ts'
import { policy } from './helpers/policies.ts'

const account = '123456789012'
const arn = (service: string, rest: string, of = account) =>
  `arn:aws:${service}:eu-central-1:${of}:${rest}`
const job = arn('sagemaker', 'training-job/job-01jd0000000000000000000000')
const othersJob = arn('sagemaker', 'training-job/nightly-forecast')
const object = (key: string, bucket = 'training') => `arn:aws:s3:::${bucket}/${key}`
const bucket = 'arn:aws:s3:::training'
const role = (name: string) => `arn:aws:iam::${account}:role/${name}`
const logs = arn('logs', 'log-group:/aws/sagemaker/TrainingJobs')
const key = arn('kms', 'key/1')
const secret = (name: string) => arn('secretsmanager', `secret:${name}`)

type Row = [action: string, resource: string, context?: Record<string, string>]

const rows = (list: Row[]): Request[] =>
  list.map(([action, resource, context = {}]) => ({ action, resource, context }))

const toSageMaker = { 'iam:PassedToService': 'sagemaker.amazonaws.com' }
const forAws = { 'kms:GrantIsForAWSResource': 'true' }

const table: { policy: string; allowed: Row[]; denied: Row[] }[] = [
  {
    policy: 'service-policy.json',
    allowed: [
      ['sagemaker:CreateTrainingJob', job],
      ['sagemaker:AddTags', job],
      ['sagemaker:DescribeTrainingJob', job],
      ['sagemaker:StopTrainingJob', job],
      ['sagemaker:ListTrainingJobs', '*'],
      ['iam:PassRole', role('mlflow-jobs-job'), toSageMaker],
      ['s3:PutObject', object('mlflow-jobs/projects/sha256/a.tar.gz')],
      ['s3:AbortMultipartUpload', object('mlflow-jobs/projects/sha256/a.tar.gz')],
      ['s3:GetObject', object('mlflow-jobs/jobs/job-1/output/model.tar.gz')],
      ['s3:DeleteObject', object('mlflow-jobs/jobs/job-1/output/model.tar.gz')],
      ['s3:ListBucket', bucket, { 's3:prefix': 'mlflow-jobs/jobs/job-1/' }],
      // As a look at one object asks it: without this right a missing one is a 403. It lists all names, too.
      ['s3:ListBucket', bucket],
      ['logs:DescribeLogStreams', `${logs}:log-stream:`],
      ['logs:GetLogEvents', `${logs}:log-stream:job-1/algo-1-1700000000`]
    ],
    denied: [
      ['sagemaker:CreateTrainingJob', othersJob],
      ['sagemaker:StopTrainingJob', othersJob],
      ['sagemaker:DescribeTrainingJob', othersJob],
      ['sagemaker:StopTrainingJob', job.replace(account, '999999999999')],
      ['sagemaker:CreateEndpoint', '*'],
      ['sagemaker:CreateNotebookInstance', '*'],
      ['sagemaker:CreateProcessingJob', arn('sagemaker', 'processing-job/job-1')],
      ['sagemaker:DeleteModel', '*'],
      ['iam:PassRole', role('mlflow-jobs-job'), { 'iam:PassedToService': 'ec2.amazonaws.com' }],
      ['iam:PassRole', role('mlflow-jobs-job')],
      ['iam:PassRole', role('Admin'), toSageMaker],
      ['iam:PassRole', role('mlflow-jobs-job-2'), toSageMaker],
      ['iam:CreateRole', role('mlflow-jobs-job')],
      ['iam:AttachRolePolicy', role('mlflow-jobs-job')],
      ['iam:CreateAccessKey', '*'],
      ['sts:AssumeRole', role('mlflow-jobs-job')],
      ['s3:GetObject', object('other/data.csv')],
      ['s3:GetObject', object('mlflow-jobs/projects/a', 'another')],
      ['s3:DeleteObject', object('other/data.csv')],
      ['s3:DeleteBucket', bucket],
      ['s3:PutBucketPolicy', bucket],
      ['s3:PutObjectAcl', object('mlflow-jobs/projects/a')],
      ['s3:ListBucket', bucket, { 's3:prefix': 'other/' }],
      ['s3:ListAllMyBuckets', '*'],
      ['logs:GetLogEvents', `${logs}:log-stream:nightly-forecast/algo-1-1700000000`],
      ['logs:GetLogEvents', arn('logs', 'log-group:/aws/lambda/x:log-stream:job-1')],
      ['logs:DeleteLogGroup', logs],
      ['kms:Decrypt', key],
      ['ec2:RunInstances', '*'],
      ['secretsmanager:GetSecretValue', '*']
    ]
  },
  {
    policy: 'job-policy.json',
    allowed: [
      ['s3:GetObject', object('mlflow-jobs/projects/sha256/a.tar.gz')],
      ['s3:PutObject', object('mlflow-jobs/jobs/job-1/output/model.tar.gz')],
      ['s3:DeleteObject', object('mlflow-jobs/jobs/job-1/checkpoints/1/model.pt')],
      ['s3:ListBucket', bucket, { 's3:prefix': 'mlflow-jobs/projects/' }],
      ['ecr:GetAuthorizationToken', '*'],
      ['ecr:BatchGetImage', arn('ecr', 'repository/mlflow-jobs-train')],
      ['logs:CreateLogGroup', logs],
      ['logs:PutLogEvents', `${logs}:log-stream:job-1/algo-1-1700000000`],
      ['cloudwatch:PutMetricData', '*', { 'cloudwatch:namespace': '/aws/sagemaker/TrainingJobs' }]
    ],
    denied: [
      // The program of one job must not change the code of the next one.
      ['s3:PutObject', object('mlflow-jobs/projects/sha256/a.tar.gz')],
      ['s3:DeleteObject', object('mlflow-jobs/projects/sha256/a.tar.gz')],
      ['s3:DeleteObject', object('mlflow-jobs/jobs/job-1/output/model.tar.gz')],
      ['s3:GetObject', object('other/data.csv')],
      ['s3:PutObject', object('jobs/job-1/model.tar.gz')],
      ['s3:ListBucket', bucket, { 's3:prefix': 'other/' }],
      ['s3:ListBucket', 'arn:aws:s3:::another'],
      ['sagemaker:CreateTrainingJob', job],
      ['sagemaker:StopTrainingJob', job],
      ['iam:PassRole', role('mlflow-jobs-job'), toSageMaker],
      ['sts:AssumeRole', role('Admin')],
      ['ecr:PutImage', arn('ecr', 'repository/mlflow-jobs-train')],
      ['ecr:BatchGetImage', arn('ecr', 'repository/secret')],
      ['logs:GetLogEvents', `${logs}:log-stream:job-2/algo-1-1700000000`],
      ['logs:PutLogEvents', arn('logs', 'log-group:/aws/lambda/x:log-stream:y')],
      ['cloudwatch:PutMetricData', '*', { 'cloudwatch:namespace': 'Billing' }],
      ['cloudwatch:PutMetricData', '*'],
      ['secretsmanager:GetSecretValue', '*'],
      ['ec2:CreateNetworkInterface', '*']
    ]
  },
  {
    policy: 'job-mlflow-policy.json',
    allowed: [
      ['sagemaker-mlflow:CreateRun', arn('sagemaker', 'mlflow-tracking-server/runs')],
      ['sagemaker:CallMlflowAppApi', arn('sagemaker', 'mlflow-app/app-1')],
      ['s3:PutObject', object('1/abc/artifacts/model/MLmodel', 'runs')],
      ['s3:ListBucket', 'arn:aws:s3:::runs']
    ],
    denied: [
      ['sagemaker:DeleteMlflowTrackingServer', arn('sagemaker', 'mlflow-tracking-server/runs')],
      ['sagemaker:CreatePresignedMlflowTrackingServerUrl', arn('sagemaker', 'mlflow-app/app-1')],
      ['s3:DeleteObject', object('1/abc/artifacts/model/MLmodel', 'runs')],
      ['s3:GetObject', object('a', 'training')]
    ]
  },
  {
    policy: 'job-secrets-policy.json',
    allowed: [['secretsmanager:GetSecretValue', secret('mlflow-jobs/team/token-AbCdEf')]],
    denied: [
      ['secretsmanager:GetSecretValue', secret('other/token-AbCdEf')],
      ['secretsmanager:GetSecretValue', secret('mlflow-jobs-2/token-AbCdEf')],
      [
        'secretsmanager:GetSecretValue',
        arn('secretsmanager', 'secret:mlflow-jobs/a', '999999999999')
      ],
      ['secretsmanager:ListSecrets', '*'],
      ['secretsmanager:PutSecretValue', secret('mlflow-jobs/team/token-AbCdEf')],
      ['secretsmanager:DeleteSecret', secret('mlflow-jobs/team/token-AbCdEf')],
      ['kms:Decrypt', key]
    ]
  },
  {
    policy: 'job-vpc-policy.json',
    allowed: [
      ['ec2:CreateNetworkInterface', '*'],
      ['ec2:DescribeSubnets', '*']
    ],
    denied: [
      ['ec2:RunInstances', '*'],
      ['ec2:AuthorizeSecurityGroupIngress', '*'],
      ['ec2:DeleteSubnet', '*']
    ]
  },
  {
    policy: 'service-kms-policy.json',
    allowed: [
      ['kms:Decrypt', key, { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' }],
      ['kms:GenerateDataKey', key, { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' }],
      ['kms:CreateGrant', key, forAws]
    ],
    denied: [
      ['kms:Decrypt', key],
      ['kms:Decrypt', key, { 'kms:ViaService': 'secretsmanager.eu-central-1.amazonaws.com' }],
      ['kms:CreateGrant', key],
      ['kms:CreateGrant', key, { 'kms:GrantIsForAWSResource': 'false' }],
      ['kms:Decrypt', arn('kms', 'key/2'), { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' }],
      ['kms:ScheduleKeyDeletion', key],
      ['kms:PutKeyPolicy', key]
    ]
  },
  {
    policy: 'job-kms-policy.json',
    allowed: [
      ['kms:Decrypt', key],
      ['kms:Encrypt', key],
      ['kms:CreateGrant', key, forAws]
    ],
    denied: [
      ['kms:CreateGrant', key],
      ['kms:Decrypt', arn('kms', 'key/2')],
      ['kms:DisableKey', key]
    ]
  }
]

for (const { policy: name, allowed, denied } of table)
  t.test(`${name} allows what is needed, and denies what is not`, async t => {
    const statements = await policy(name)
    for (const request of rows(allowed)) t.ok(isAllowed(statements, request), shown(request))
    for (const request of rows(denied)) t.notOk(isAllowed(statements, request), shown(request))
  })

const shown = ({ action, resource, context }: Request) =>
  `${action} ${resource} ${JSON.stringify(context)}`

t.test('a Deny outweighs every Allow, and what nothing allows is denied', async t => {
  const allow: Statement = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
  const deny: Statement = { Effect: 'Deny', Action: 's3:Delete*', Resource: 'arn:aws:s3:::a/?' }
  const ask = (action: string, resource: string) =>
    isAllowed([allow, deny], { action, resource, context: {} })
  t.ok(ask('s3:GetObject', 'arn:aws:s3:::a/b'))
  t.notOk(ask('s3:DeleteObject', 'arn:aws:s3:::a/b'))
  t.ok(ask('s3:DeleteObject', 'arn:aws:s3:::a/bc'))
  t.notOk(ask('sqs:SendMessage', 'arn:aws:s3:::a/b'))
})
