/** The fields of a submission beside its archive: texts as they came, to values or faults. */
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Fault } from '../../contract/fault.ts'
