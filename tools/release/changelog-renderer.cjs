/** One entry of a changelog, as a user of the package reads it: what is new, what was mended, what they have to change. */

const headings = { feat: 'New', perf: 'Faster', fix: 'Mended', revert: 'Taken back' };
const shortName = (project) => project.replace(/^@kanade\//, '');
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

class ChangelogRenderer {
  constructor({ changes, changelogEntryVersion, project, dependencyBumps }) {
    this.version = changelogEntryVersion;
    this.project = project;
    this.changes = changes
      .filter(({ affectedProjects }) => affectedProjects === '*' || affectedProjects.includes(project))
      .map(({ description }) => JSON.parse(description));
    this.bumps = dependencyBumps ?? [];
  }

  async render() {
    const sections = Object.entries(headings).map(([type, heading]) =>
      this.section(
        heading,
        this.changes.filter((change) => change.type === type).map((change) => this.line(change, change.text)),
      ),
    );
    const breaking = this.changes.filter(({ breaking }) => breaking !== null);
    return [
      `## ${this.version} (${new Date().toISOString().slice(0, 10)})`,
      this.section(
        'What you have to change',
        breaking.map((change) => this.line(change, change.breaking)),
      ),
      ...sections,
      this.section(
        'Stands on',
        this.bumps.map(({ dependencyName, newVersion }) => `- \`${dependencyName}\` ${newVersion}`),
      ),
      this.changes.length + this.bumps.length === 0 ? 'Nothing changed here: the product moves as one.' : '',
    ]
      .filter((text) => text !== '')
      .join('\n\n');
  }

  section(heading, lines) {
    return lines.length === 0 ? '' : [`### ${heading}`, '', ...new Set(lines)].join('\n');
  }

  /** Names of other packages stand before the text; one's own would be said on every line. */
  line({ scope, hash }, text) {
    const named = scope && scope !== shortName(this.project) ? `**${scope}:** ` : '';
    return `- ${named}${named ? text : capital(text)} (${hash.slice(0, 9)})`;
  }
}

exports.default = ChangelogRenderer;
