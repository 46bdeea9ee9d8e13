import type { Counter, Meter } from '@opentelemetry/api';

export function createLocationCounter(meter: Meter): Counter {
  return meter.createCounter('framekeeper_otlp_locations', {
    description: 'Locations of OTLP profiles, by what became of them: learned, named, unnamed.',
    unit: '{location}',
  });
}
