import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/resource/type-spellings.js
function findTypeNamed(text, api) {
  return api.resourceTypes().find((type) => spellingsOf(type).includes(text.toLowerCase()));
}
function spellingsOf({ name, typeUrl }) {
  const full = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  const all = [name, name.replace(/s$/, ""), typeUrl, full, full.slice(full.lastIndexOf(".") + 1)];
  return all.map((spelling) => spelling.toLowerCase());
}

export {
  findTypeNamed,
  spellingsOf
};
