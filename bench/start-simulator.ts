import { startChild, type Child } from './child.ts'
import type { SimulatorReady, SimulatorSpec } from './simulator-spec.ts'

export interface Simulator extends SimulatorReady {
  /** One action in the business of each of these companies. */
  step(realmIds: readonly string[]): Promise<void>
  stop(): Promise<void>
}

export async function startSimulator(spec: SimulatorSpec): Promise<Simulator> {
  // The whole books stand in memory, and a node of default size gives out at some 4 GB.
  const { child, ready } = await startChild<SimulatorReady>('simulator.ts', {
    args: [JSON.stringify(spec)],
    nodeArgs: ['--max-old-space-size=8000'],
  })
  return { ...ready, ...stepping(child), stop: () => child.stop() }
}

function stepping(child: Child): Pick<Simulator, 'step'> {
  return {
    async step(realmIds) {
      await child.ask({ step: realmIds })
    },
  }
}
