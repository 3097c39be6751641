/**
 * Instance types with storage of their own (NVMe): it is used in place of an ML volume and encrypted by the instance's
 * hardware, and SageMaker refuses VolumeKmsKeyId for them (API_ResourceConfig of its reference). The families are those of
 * its training instances that EC2's tables of instance types list with instance store volumes.
 */
const families = new Set(
  'g4dn g5 g6 g6e g7 g7e p3dn p4d p4de p5 p5e p5en p6-b200 p6-b300 p6e-gb200 r5d trn1 trn1n trn2'.split(
    ' '
  )
)

/** `ml.g5.xlarge` has it. */
export const hasLocalStorage = (instanceType: string) =>
  families.has(instanceType.split('.')[1] ?? '')
