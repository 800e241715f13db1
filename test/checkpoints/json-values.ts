import fc from 'fast-check';

export { fc };

/** JSON values with few different keys and elements, so that two of them have much in common. */
export const jsonValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, 1, 'a', 'b', ''),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(fc.constantFrom('a', 'b', '~', '/', '', '0', '__proto__'), tie('value'), { noNullPrototype: true }),
  ),
})).value;
