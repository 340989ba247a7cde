import '#kit/testing/simulation/install.ts';
import { test } from 'uvu';
import { testSeeds } from './testing/simulation/seeds.ts';

testSeeds(2);

test.run();
