import t from 'tap'
import { createDisk } from '../../src/server/disk.ts'

/** With 1000 bytes of room, of which 100 are kept; what is written takes of it. */
function diskOf1000() {
  const state = { free: 1000 }
  const disk = createDisk('/', 100, async () => state.free)
  const write = (bytes: number) => async () => {
    state.free -= bytes
  }
  return { disk, write, state }
}

t.test('a claim is room that others do not get, until it is given back', async t => {
  const { disk } = diskOf1000()
  const claim = await disk.claim(600)
  await t.rejects(disk.claim(301), {
    code: 'DISK_FULL',
    statusCode: 503,
    message:
      'The service’s disk has 1000 bytes left, of which 100 are kept for running jobs; 600 are for other submissions that are under way; this one needs 301.'
  })
  t.equal(disk.claimedBytes(), 600)

  claim.giveBack()
  claim.giveBack()

  t.equal(disk.claimedBytes(), 0)
  await disk.claim(900)
})

t.test('of claims that come at once no more pass than there is room for', async t => {
  const { disk } = diskOf1000()
  const claims = await Promise.allSettled(Array.from({ length: 50 }, () => disk.claim(300)))
  t.equal(claims.filter(({ status }) => status === 'fulfilled').length, 3)
  t.equal(disk.claimedBytes(), 900)
})

t.test('what a claim has written counts once', async t => {
  const { disk, write } = diskOf1000()
  const claim = await disk.claim(600)
  await claim.write(400, write(400))
  t.equal(disk.claimedBytes(), 200)
  await t.rejects(disk.claim(301), { code: 'DISK_FULL' })
  const other = await disk.claim(300)
  await other.write(300, write(300))
  await claim.write(200, write(200))
  t.equal(disk.claimedBytes(), 0)
})

t.test('who was promised nothing gets only what nobody was promised', async t => {
  const { disk, write, state } = diskOf1000()
  await disk.claim(600)
  await disk.room.write(300, write(300))
  await t.rejects(disk.room.write(1, write(1)), { code: 'DISK_FULL' })
  t.equal(state.free, 700, 'it was not written')
})

t.test('who takes more than it was promised gets only what nobody was promised', async t => {
  const { disk, write } = diskOf1000()
  await disk.claim(600)
  const claim = await disk.claim(200)
  await claim.write(300, write(300))
  await t.rejects(claim.write(1, write(1)), { code: 'DISK_FULL' })
})

t.test('a promise is broken where something else has taken the room', async t => {
  const { disk, write, state } = diskOf1000()
  const claim = await disk.claim(600)
  state.free = 500
  await claim.write(400, write(400))
  await t.rejects(claim.write(1, write(1)), {
    message:
      'The service’s disk has 100 bytes left, of which 100 are kept for running jobs; this one needs 1.'
  })
})

t.test('the room is that of a real disk', async t => {
  const free = await createDisk(t.testdir(), 0).freeBytes()
  t.ok(free > 0)
  await createDisk(t.testdir(), 0).check()
  await t.rejects(createDisk(t.testdir(), 2 * free).check(), { code: 'DISK_FULL' })
})
