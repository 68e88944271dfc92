/** Logs of jobs as resources of `kanade mcp`. */
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot } from '../program.ts';
import { connect, eras } from './clients.ts';

describe.each(eras)('a client of %s', (era) => {
  it('lists, reads by range, and follows the logs of jobs', async () => {
    await using jobs = await jobsRoot();
    const go = `${jobs.path}/go`;
    const script = `echo one; while ! test -e ${go}; do sleep 0.05; done; echo two; exec sleep 60`;
    const { job_id: id } = await jobs.answer(['run', '--', 'sh', '-c', script]);
    const updated: string[] = [];
    await using mcp = await connect(era, jobs, { onUpdated: (uri) => updated.push(uri) });
    const uri = `kanade://job/${id}/stdout`;
    const { resources } = await mcp.client.listResources();
    expect(resources.map((resource) => resource.uri)).toEqual([uri, uri.replace('stdout', 'stderr')]);
    const { resourceTemplates } = await mcp.client.listResourceTemplates();
    expect(resourceTemplates).toMatchObject([{ uriTemplate: 'kanade://job/{job_id}/{stream}{?from,bytes}' }]);
    const read = async (of: string) => (await mcp.client.readResource({ uri: of })).contents[0];
    const range = { 'kanade/log': { range: [1, 3], total_bytes: 4, state: 'running' } };
    expect(await read(`${uri}?from=1&bytes=2`)).toMatchObject({ text: 'ne', _meta: range });

    await mcp.follow(uri);
    expect(updated).toEqual([]);
    await jobs.answer(['run', '--', 'touch', go]);
    await eventually('news of the log', () => updated.length > 0);
    expect(new Set(updated)).toEqual(new Set([uri]));
    expect(await read(uri)).toMatchObject({ uri, mimeType: 'text/plain', text: 'one\ntwo\n' });
  });

  it('reads nothing but logs', async () => {
    await using jobs = await jobsRoot();
    const { job_id: id } = await jobs.answer(['run', '--', 'echo', 'x']);
    await using mcp = await connect(era, jobs);
    for (const path of [
      'x/stdout',
      '../stdout',
      `${id}/../${id}/stdout`,
      `${id}/meta.json`,
      `${String(id).slice(0, 8)}/stdout`,
    ])
      await expect(mcp.client.readResource({ uri: `kanade://job/${path}` })).rejects.toMatchObject({ code: -32_602 });
    for (const query of ['from=-1', 'from=x', 'bytes=1048577', 'from=1&from=2', 'to=3'])
      await expect(mcp.client.readResource({ uri: `kanade://job/${id}/stdout?${query}` })).rejects.toThrow();
    await expect(mcp.client.readResource({ uri: 'file:///etc/passwd' })).rejects.toThrow();
  });
});
