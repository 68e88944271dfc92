/** What packages of the system are made and tested with. */
import { ensureDebian } from './debian.mjs';

const programs = {
  '/lib/systemd/systemd': 'systemd',
  '/usr/bin/dpkg-deb': 'dpkg',
  '/usr/bin/rpmbuild': 'rpm',
  '/usr/bin/shellcheck': 'shellcheck',
};

export const ensurePackaging = () => ensureDebian('what packages are made with', programs, 'the tests of packages');
